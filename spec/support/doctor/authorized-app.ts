/** An app with the checker of this library, whose controllers inherit the decorator of routing-controllers. */
import {
  Authorized,
  createExpressServer,
  Get,
  JsonController,
  type RoutingControllersOptions,
} from 'routing-controllers';
import { authorizationChecker } from '../../../src/index.js';

@Authorized('Staff')
class Base {
  @Get('/inherited')
  @Authorized('Auditor')
  inherited() {
    return [];
  }
}

@JsonController('/stock')
class StockController extends Base {
  @Get('/own')
  own() {
    return [];
  }
}

const checkers: Readonly<Record<string, Pick<RoutingControllersOptions, 'authorizationChecker'>>> = {
  own: { authorizationChecker: authorizationChecker() },
  other: { authorizationChecker: () => true },
};

for (const name of (process.env['CHECKERS'] ?? '').split(',')) {
  createExpressServer({ controllers: [StockController], ...checkers[name] });
}
