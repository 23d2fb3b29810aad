/** Controllers with the decorator of routing-controllers. */
import { Authorized, Get, JsonController } from 'routing-controllers';
import { RequiresAuth } from '../../../src/index.js';

@JsonController('/orders')
export class OrdersController {
  @Get('/')
  @Authorized()
  list() {
    return [];
  }
  @Get('/all')
  @Authorized(['Admin', 'Auditor'])
  all() {
    return [];
  }
  @Get('/both')
  @Authorized('Admin')
  @RequiresAuth()
  both() {
    return [];
  }
  @Get('/open')
  open() {
    return [];
  }
}
